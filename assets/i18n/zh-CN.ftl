# 窗口中的文字。键与占位符必须与 en.ftl 一致；单句之后不加句号；仅在需要进一步输入时用省略号。
# 产品名、模型名与 DICOM 代码不翻译。

## 应用

app-name = 观片灯
app-notice = 仅供科研与教学，不得用于临床诊断
app-version = 版本 { $version }
app-title-empty = 观片灯 Negatoscope
app-title-study = { $study } – 观片灯 Negatoscope

## 菜单

menu-file = 文件
menu-edit = 编辑
menu-view = 视图
menu-image = 图像
menu-tools = 工具
menu-layout = 布局
menu-presets = 窗宽窗位预设
menu-ai = AI
menu-language = 语言
menu-help = 帮助

## 命令：名称与提示

cmd-open-files = 打开文件…
cmd-open-files-tip = 打开 DICOM 文件或 PNG、JPEG 图片
cmd-open-folder = 打开文件夹…
cmd-open-folder-tip = 打开文件夹及其子文件夹中的全部检查
cmd-open-demo = 打开示例
cmd-open-demo-tip = 在本机生成的合成 CT、胸片和病历
cmd-close-study = 关闭检查
cmd-close-study-tip = 从屏幕上移去该检查，文件保持不变
cmd-quit = 退出
cmd-quit-tip = 关闭窗口
cmd-undo = 撤销
cmd-undo-tip = 撤销上一步编辑
cmd-redo = 重做
cmd-redo-tip = 重做上一步编辑
cmd-cancel = 取消
cmd-cancel-tip = 停止当前操作或任务
cmd-layout-1x1 = 单视图
cmd-layout-1x1-tip = 一个视口
cmd-layout-1x2 = 双视图
cmd-layout-1x2-tip = 左右两个视口
cmd-layout-2x2 = 四视图
cmd-layout-2x2-tip = 两行两列共四个视口
cmd-layout-mpr = 多平面重建
cmd-layout-mpr-tip = 同一容积的轴位、冠状位与矢状位
cmd-maximize = 最大化视图
cmd-maximize-tip = 当前视口铺满中央区域，再次执行则还原
cmd-tool-window-level = 窗宽窗位
cmd-tool-window-level-tip = 向右拖动加大窗宽，向上拖动使图像变亮
cmd-tool-zoom = 缩放
cmd-tool-zoom-tip = 向上拖动放大
cmd-tool-pan = 平移
cmd-tool-pan-tip = 拖动图像
cmd-tool-scroll = 翻页
cmd-tool-scroll-tip = 拖动以浏览序列中的图像
cmd-tool-crosshair = 十字定位线
cmd-tool-crosshair-tip = 在各平面显示同一解剖位置
cmd-tool-length = 长度
cmd-tool-length-tip = 测量两点间的距离
cmd-reset-view = 重置视图
cmd-reset-view-tip = 恢复初始的窗宽窗位、缩放、位置与方向
cmd-fit = 适合窗口
cmd-fit-tip = 显示完整图像
cmd-zoom-in = 放大
cmd-zoom-in-tip = 放大一级
cmd-zoom-out = 缩小
cmd-zoom-out-tip = 缩小一级
cmd-actual-pixels = 原始像素
cmd-actual-pixels-tip = 一个图像像素对应一个屏幕像素
cmd-invert = 反相
cmd-invert-tip = 黑白互换
cmd-rotate-right = 向右旋转
cmd-rotate-right-tip = 顺时针旋转 90°
cmd-rotate-left = 向左旋转
cmd-rotate-left-tip = 逆时针旋转 90°
cmd-flip-horizontal = 水平翻转
cmd-flip-horizontal-tip = 左右互换
cmd-flip-vertical = 垂直翻转
cmd-flip-vertical-tip = 上下互换
cmd-interpolation = 切换插值方式
cmd-interpolation-tip = 最近邻、线性、三次
cmd-interpolation-nearest = 最近邻
cmd-interpolation-nearest-tip = 原始像素，不作插值
cmd-interpolation-linear = 线性插值
cmd-interpolation-linear-tip = 按距离比例计算体素之间的值
cmd-interpolation-cubic = 三次插值
cmd-interpolation-cubic-tip = 三次卷积插值；放大时更清晰，边缘可能过冲
cmd-area = 缩小时平滑
cmd-area-tip = 大于体素的像素显示其下各体素的平均值
cmd-slab-mip = 最大密度投影
cmd-slab-mip-tip = 视线方向上的最大值；Alt 加滚轮改变层厚
cmd-slab-minip = 最小密度投影
cmd-slab-minip-tip = 视线方向上的最小值
cmd-slab-mean = 平均密度投影
cmd-slab-mean-tip = 视线方向上的平均值，如同较厚的层面
cmd-slab-off = 单一平面
cmd-slab-off-tip = 不使用厚层
cmd-slab-thicker = 增加层厚
cmd-slab-thicker-tip = 下一级厚度，平面两侧各一半
cmd-slab-thinner = 减小层厚
cmd-slab-thinner-tip = 上一级厚度；不足一毫米时为单一平面
cmd-planes-lock = 平面保持垂直
cmd-planes-lock-tip = 拖动定位线旋转时各平面保持垂直，或单独旋转
cmd-planes-reset = 重置平面
cmd-planes-reset-tip = 恢复轴位、冠状位和矢状位，经过同一点
cmd-image-previous = 上一幅图像
cmd-image-previous-tip = 后退一幅
cmd-image-next = 下一幅图像
cmd-image-next-tip = 前进一幅
cmd-image-back-ten = 后退十幅
cmd-image-back-ten-tip = 后退十幅图像
cmd-image-on-ten = 前进十幅
cmd-image-on-ten-tip = 前进十幅图像
cmd-image-first = 第一幅图像
cmd-image-first-tip = 转到序列的第一幅图像
cmd-image-last = 最后一幅图像
cmd-image-last-tip = 转到序列的最后一幅图像
cmd-series-previous = 上一序列
cmd-series-previous-tip = 显示前一个序列
cmd-series-next = 下一序列
cmd-series-next-tip = 显示后一个序列
cmd-view-next = 下一视图
cmd-view-next-tip = 激活下一个视口
cmd-view-previous = 上一视图
cmd-view-previous-tip = 激活上一个视口
cmd-run-lung-segmentation = 肺野分割
cmd-run-lung-segmentation-tip = 对此胸片运行肺野模型；AI 结果，不得用于诊断
cmd-clear-segmentation = 移除 AI 结果
cmd-clear-segmentation-tip = 从此图像上移除 AI 结果
cmd-toggle-overlay = 隐藏叠加层
cmd-toggle-overlay-tip = 隐藏或显示掩膜与 AI 结果
cmd-toggle-graphics = 图像叠加层
cmd-toggle-graphics-tip = 隐藏或显示图像自带的图形
cmd-toggle-shutter = 显示遮挡
cmd-toggle-shutter-tip = 应用图像的遮挡，或显示完整图像
cmd-overlay-text = 角标信息
cmd-overlay-text-tip = 完整、精简、无
cmd-hide-identity = 隐藏身份信息
cmd-hide-identity-tip = 从屏幕上移去姓名、编号与出生日期
cmd-panel-left = 序列面板
cmd-panel-left-tip = 显示或隐藏检查与序列列表
cmd-panel-right = 病历面板
cmd-panel-right-tip = 显示或隐藏病历、分割与标签
cmd-panel-bottom = 状态栏
cmd-panel-bottom-tip = 显示或隐藏状态栏
cmd-full-screen = 全屏
cmd-full-screen-tip = 铺满屏幕，再次执行则还原
cmd-palette = 命令…
cmd-palette-tip = 按名称查找命令
cmd-help = 帮助
cmd-help-tip = 快捷键与手势
cmd-about = 关于观片灯
cmd-about-tip = 版本、许可与第三方声明
cmd-language = 语言
cmd-language-tip = English 或简体中文
cmd-theme-light = 浅色主题
cmd-theme-light-tip = 浅色面板，图像区域保持黑色
cmd-copy-findings = 复制列表
cmd-copy-findings-tip = 以文本复制这些信息

## 窗宽窗位预设（CT 单位为 HU）

preset-file = 文件默认
preset-auto = 自动
preset-soft-tissue = 软组织窗
preset-lung = 肺窗
preset-bone = 骨窗
preset-brain = 脑窗
preset-mediastinum = 纵隔窗
preset-liver = 肝窗
preset-subdural = 硬膜下窗
preset-stroke = 卒中窗
preset-ct-angiography = CT 血管成像
preset-values = { $name }，窗宽 { $width } 窗位 { $center }

## 首屏

first-drop = 将文件夹、ZIP 压缩包或文件拖放到此处
first-drop-active = 松开即可打开
first-open-folder = 打开文件夹
first-open-files = 打开文件
first-open-demo = 打开示例
first-recent = 最近的检查
first-no-recent = 打开过的检查会显示在这里

## 视口信息

overlay-image-of = 图像 { $number } / { $count }
overlay-frame-of = 帧 { $number } / { $count }
overlay-series = 序列 { $number }
overlay-window = 窗宽 { $width } 窗位 { $center }
overlay-zoom = 缩放 { $percent } %
overlay-thickness = 层厚 { $mm } mm
overlay-location = 层面位置 { $mm } mm
overlay-position-patient = 患者坐标 { $x }, { $y }, { $z } mm
overlay-pixel = 列 { $column }，行 { $row }
overlay-outside = 图像之外
overlay-padding = 此处无图像数据
overlay-suv-decay = 注射后 { $minutes } 分钟
overlay-suv-injection = 校正至注射时刻
overlay-suv-maker = 厂商系数
overlay-suv-stored = 按存储值
overlay-loading = 正在加载 { $done } / { $total }
overlay-no-image = 无图像
overlay-empty = 将序列拖到此处，或双击序列
overlay-axial = 轴位
overlay-coronal = 冠状位
overlay-sagittal = 矢状位
overlay-oblique = { $plane } 倾斜 { $degrees }°
overlay-slab = { $mode } { $mm } mm，{ $points } 个采样
overlay-slab-mip = 最大密度投影
overlay-slab-minip = 最小密度投影
overlay-slab-mean = 平均密度投影
overlay-nearest = 最近邻
overlay-linear = 线性
overlay-cubic = 三次
overlay-area = 区域平均
overlay-stack = 序列
overlay-unit-raw = 原始值
overlay-born = 出生 { $date }
overlay-sex-female = 女
overlay-sex-male = 男
overlay-sex-other = 其他
overlay-age = { $years } 岁
overlay-text-full = 完整
overlay-text-minimal = 精简
overlay-text-none = 无

## 标记

badge-not-diagnostic = 不得用于诊断
badge-lossy = 有损压缩 { $ratio }:1（{ $method }）
badge-more-findings = “所见”栏另有 { $count } 条
badge-lossy-unknown = 有损压缩，压缩比未知
badge-lossy-undeclared = 有损压缩，文件未声明
badge-loading = 序列仍在加载 { $percent } %
badge-slab-provisional = 暂时结果：序列尚缺 { $missing } 层
badge-reduced = 已按 1/{ $factor } 显示，测量使用完整数据
badge-over-budget = 超出内存上限：仅显示图像序列，无多平面重建
badge-provisional = 暂定
badge-cannot-decode = 此帧无法解码
badge-cannot-decode-reason = 原因
badge-flipped = 已翻转
badge-rotated = 已旋转 { $degrees }°
badge-orientation-unknown = 方位未知
badge-inverted = 已反相
badge-shutter = 已应用遮挡
badge-shutter-off = 遮挡已关闭
badge-graphics = 叠加层 { $name }
badge-graphics-hidden = 叠加层已隐藏
badge-uncalibrated = 未校准
badge-length-pixel-spacing = mm（像素间距）
badge-length-calibrated = mm（已校准）
badge-length-geometry = mm（放大率已校正）
badge-length-fiducial = mm（标记校准）
badge-length-unknown = mm（像素间距，校准方式未知）
badge-length-detector = 探测器平面 mm（未校正）
badge-length-magnification = mm（放大率 { $factor }）
badge-length-ultrasound = mm（超声区域）
badge-length-pixels = 像素（未校准）
badge-value-hu = HU
badge-value-raw = 数值无单位
badge-ai = AI
badge-ai-model = { $model } { $version }
badge-ai-trained = 训练于 { $date }
badge-ai-run = 运行于 { $date }
badge-ai-threshold = 阈值 { $threshold }
badge-ai-confidence = 平均概率 { $percent } %，未校准
badge-ai-not-calibrated = 置信度未校准
badge-ai-stale = 已过期：输入或设置已改变
badge-ai-outside-range = 超出已验证范围
badge-ai-refused = AI 拒绝运行：{ $reason }
badge-ai-none = { $model } { $version } 无检出，不等于结果正常
badge-ai-failed = AI 未运行：{ $reason }
badge-ai-hidden = AI 结果已隐藏
badge-ai-synthetic = 仅用合成数据训练
badge-cpu-drawing = 由 CPU 绘制
badge-gpu-restarted = GPU 已重新启动
badge-nothing-kept = 不保存任何内容
badge-nothing-kept-tip = 未设置口令时不保存任何内容；首次标注时会询问口令
badge-synthetic = 合成数据
badge-identity-hidden = 身份信息已隐藏
badge-linked = 已联动

## 横幅

banner-different-patients = 屏幕上有不同患者的图像
banner-different-patients-detail = 确认之前不进行联动与对比
banner-missing-images = 共 { $total } 幅图像，缺少 { $count } 幅
banner-rejected = { $count } 个文件被拒绝
banner-mpr-off = 此序列不可进行多平面重建
banner-findings = 此序列有 { $count } 项提示
banner-no-gpu = 未找到 GPU，由 CPU 绘制
banner-restored = 已恢复 { $count } 个标注

## 患者栏

patient-none = 无患者
patient-id = 编号 { $id }
patient-born = 出生 { $date }
patient-unknown-name = 文件中无姓名
patient-sex-female = 女
patient-sex-male = 男
patient-sex-other = 其他
patient-sex-unknown = 性别未填
patient-deceased = 死亡 { $date }

## 检查与序列列表

list-title = 检查
list-empty = 尚未打开检查
list-study-undated = 无日期的检查
list-series-unnamed = 无描述的序列
list-images = { $count } 幅图像
list-frames = { $count } 帧
list-reading = 正在读取 { $done } / { $total }

## 面板与病历

panel-tab-record = 病历
panel-tab-findings = 所见
panel-tab-segments = 分割
panel-tab-ai = AI
panel-tab-tags = 标签
panel-record = 病历
panel-conditions = 诊断与问题
panel-medications = 用药
panel-allergies = 过敏
panel-labs = 检验
panel-vitals = 生命体征
panel-procedures = 手术与操作
panel-encounters = 就诊
panel-imaging-studies = 影像检查
panel-other-observations = 其他观察
panel-active = 活动
panel-resolved = 已缓解
panel-stopped = 已停用
panel-since = 自 { $date }
panel-until = 至 { $date }
panel-undated = 无日期
panel-reference-range = 参考范围 { $low } – { $high }
panel-reference-below = 参考范围低于 { $high }
panel-reference-above = 参考范围高于 { $low }
panel-no-reference-range = 无参考范围
panel-high = 偏高
panel-low = 偏低
panel-critical = 危急值
panel-values = { $count } 个值
panel-open-study = 正在显示
panel-no-record = 没有此患者的病历
panel-no-record-detail = 打开此患者的 FHIR 数据包即可在此查看病历
panel-nothing-recorded = 无记录
panel-no-allergies-recorded = 未记录过敏史，不代表没有过敏
panel-not-sure = 不能确定是同一患者
panel-not-sure-detail = 确认之前不显示病历
panel-show-anyway = 显示此病历
panel-mismatch = 病历属于另一位患者
panel-mismatch-field = 不一致：{ $field }
panel-mismatch-name = 姓名
panel-mismatch-birth-date = 出生日期
panel-mismatch-sex = 性别
panel-mismatch-id = 患者编号
panel-identity-hidden = 身份信息已隐藏
panel-loading = 正在加载病历
panel-unknown-resources = { $count } 条此处不显示的其他条目
panel-more = 另有 { $count } 条
panel-days-ago = { $count } 天前
panel-months-ago = { $count } 个月前
panel-years-ago = { $count } 年前
panel-today = 今天
panel-tags-search = 搜索标签
panel-tags-empty = 没有活动图像

## AI 面板

ai-no-result = 此图像没有 AI 结果
ai-run = 运行
ai-threshold = 阈值
ai-opacity = 不透明度
ai-device = 设备
ai-duration = 用时
ai-duration-seconds = { $seconds } 秒
ai-model-hash = 权重
ai-area = 面积
ai-area-percent = 占图像的 { $percent } %
ai-only-chest = 肺野模型仅适用于成人正位胸片

## 一个序列中的多组图像。word 来自文件。

part-b-value = b={ $value }
part-direction = 方向 { $number }/{ $count }
part-no-direction = 无方向
part-echo-time = TE { $value } ms
part-echo = 回波 { $value }
part-inversion-time = TI { $value } ms
part-flip-angle = 翻转角 { $value }°
part-kvp = { $value } kV
part-kernel = 重建核 { $word }
part-image-type = { $word }
part-energy-window = 能窗 { $value }
part-detector = 探头 { $value }
part-cardiac-phase = 心动周期 { $value } %
part-acquisition = 采集 { $value }
part-phase = 时相 { $number }/{ $count }
part-repeat = 重复 { $number }/{ $count }
part-axial = 轴位，平面 { $number }/{ $count }
part-coronal = 冠状位，平面 { $number }/{ $count }
part-sagittal = 矢状位，平面 { $number }/{ $count }

## 提示：键由代码生成，占位符为提示中的数值；以 -bare 结尾的键用于没有数值的情况

finding-slice-gap = { $total } 幅图像中缺少 { $count } 幅（共 { $gaps } 处，首处在 { $after } 与 { $before } 之间）；层间距 { $step_mm } mm
finding-stack-split = 本序列在 { $positions } 个位置上有 { $parts } 组图像：这是第 { $part } 组
finding-positions-missing = 其他组有的 { $positions } 个位置中缺少 { $count } 个
finding-localizer-apart = { $count } 幅方向不同的图像与本序列其余图像分开
finding-orientation-split = 图像位于 { $parts } 个方向；这是第 { $part } 组
finding-numbers-disordered = 图像编号与位置不一致（{ $count } 处）；按位置排序
finding-concatenation-incomplete = 该对象的 { $total } 个部分中缺少 { $count } 个，首先是第 { $first } 部分
finding-mosaic-split = 由 { $count } 层组成的拼图
finding-mosaic-not-split = 无法拆分的拼图，作为一幅图像显示
finding-duplicate-position = { $count } 幅图像与其他图像位置重复
finding-duplicate-instance = { $count } 个对象的标识符重复，仅显示最先读到的
finding-irregular-spacing = 层间距不均匀，{ $min_mm } 至 { $max_mm } mm
finding-irregular-spacing-bare = 同一深度有多幅并列的图像
finding-shifted-slices = 层面横向错位，最大 { $mm } mm
finding-gantry-tilt = 机架倾斜 { $degrees }°，未校正
finding-gantry-tilt-corrected = 机架倾斜 { $degrees }°，已校正
finding-mixed-orientation = 图像不在同一方位，最大相差 { $degrees }°
finding-mixed-unit = { $frames } 幅图像的单位不同
finding-mixed-rescale = { $frames } 幅图像的重标定参数不同；每层用自己的参数
finding-mixed-spacing = { $frames } 幅图像的像素间距不同
finding-mixed-padding = { $frames } 幅图像的填充值不同
finding-mixed-photometric = { $frames } 幅图像的光度解释不同
finding-mixed-frame-of-reference = { $frames } 幅图像的参考坐标系不同
finding-mixed-size = 图像大小或类型不一，分组显示
finding-no-geometry = { $frames } 幅图像没有患者坐标，按编号排序
finding-single-position = 同一位置有 { $frames } 幅图像，按编号排序
finding-several-phases = 每个位置扫描 { $phases } 次，此为第 { $phase } 次
finding-localizer = 定位像
finding-uncalibrated = 像素间距未知，长度以像素计
finding-spacing-invalid = 像素间距无效，长度以像素计
finding-spacing-at-detector = 毫米为探测器平面的数值，未作放大率校正
finding-spacing-magnified = 毫米按估计的放大率 { $factor } 校正
finding-calibration-unknown = 像素间距的校准方式未知
finding-calibration-contradicts = 像素间距与校准方式矛盾，按探测器平面计
finding-magnification-invalid = 放大率无效，未作校正
finding-region-place-unknown = 超声区域的位置未知，其比例用于整个图像
finding-several-regions = 超声区域的比例不一，长度以像素计
finding-orientation-invalid = 位置或方位信息不合理，均不采用
finding-laterality-conflict = 两个属性所示的左右侧不一致
finding-lossy = 有损压缩 { $ratio }:1
finding-lossy-mammogram = 乳腺图像经有损压缩，不得用于首诊判读
finding-lossy-bare = 有损压缩，压缩比未知
finding-lossy-undeclared = 传输语法为有损压缩，但文件未声明
finding-single-slice = 仅有一个层面
finding-turned-picture = 图片标明需要旋转，此处按存储方向显示
finding-archive-name = 它在压缩包中的名称指向别处，或在某些系统上无效；仅作显示
finding-archive-name-twice = 压缩包中另有同名文件，或仅大小写不同
finding-pages-not-shown = 有 { $count } 页尺寸或类型与首页不同，未显示
finding-values-turned-over = 文件以低值为白色，数值已反转
finding-sign-mismatch = Pixel Representation 与压缩数据在数值是否有符号上不一致
finding-suv-missing = 无法计算 SUV：{ $attributes } 缺失、无法读取或各图像不一致
finding-suv-implausible = 无法计算 SUV：{ $attributes } 的数值不合理
finding-suv-contradiction = 无法计算 SUV：{ $attributes } 相互矛盾
finding-suv-not-corrected = 无法计算 SUV：数值未作衰减或衰变校正（{ $attributes }）
finding-suv-unsupported = 无法计算 SUV：不支持该类型（{ $attributes }）
finding-suv-times = 无法计算 SUV：注射与扫描的时间顺序不可能（{ $attributes }）
finding-suv-time-zone = 无法计算 SUV：时间属于不同时区（{ $attributes }）
finding-suv-day-before = SUV：按注射在扫描前一天计算
finding-suv-decay-factor-differs = SUV：Decay Factor 与时间不符
finding-suv-dose-unusual = SUV：剂量异常
finding-suv-half-life-differs = SUV：半衰期与核素相差 { $percent } %
finding-suv-half-life-unchecked = SUV：核素未注明或未知，半衰期按原值使用
finding-suv-maker-factor-differs = SUV：厂商系数与剂量、体重和时间不完全一致
finding-suv-reference-time-differs = SUV：Frame Reference Time 与其他时间不符
finding-suv-series-time-unused = SUV：Series Time 不是扫描开始时间，改用其他时间
finding-suv-type-absent = 未注明 SUV Type，按体重计算
finding-suv-weight-unusual = SUV：体重像动物的体重
finding-patient-mismatch = 此检查的文件中患者信息不一致，已分开显示
finding-rescale-incomplete = 缺少重标定斜率或截距，显示存储值
finding-voi-lut-invalid = 有一个 VOI LUT 与其描述不符，未采用
finding-voi-function = VOI LUT 函数未知，按 LINEAR 处理
finding-window-invalid = 文件中有一个窗宽窗位无效，未采用
finding-window-count = 窗位与窗宽的个数不一，仅取共有部分
finding-padding-range = 像素填充值不可能出现在像素中
finding-high-bit = 存储位不在最低位，按 High Bit 读取
finding-no-planar = 缺少平面配置，按颜色交错读取
finding-frame-groups = 共 { $frames } 帧，但有 { $descriptions } 份帧描述
finding-pixel-data-long = 像素数据有 { $bytes } 字节，使用 { $used } 字节
finding-no-offset-table = 没有偏移表，按码流起点查找各帧
finding-bad-uid = 标识符含有数字与点以外的字符，或过长
finding-syntax-mismatch = 数据的编码与传输语法不符
finding-preamble-content = 文件前导不为空
finding-no-preamble = 缺少文件前导
finding-no-meta-header = 缺少文件元信息，编码由数据判断
finding-meta-length = 文件元信息的长度有误
finding-trailing-bytes = 最后一个元素之后有 { $bytes } 字节未读取
finding-odd-group = 含有文件中不得使用的元素组
finding-tag-order = 元素次序有误或重复，取最先出现的
finding-no-delimiter = 最后的序列没有结束标记
finding-delimiter-length = 结束标记带有长度
finding-stray-item = 序列之外的条目已跳过
finding-aspect-invalid = 像素宽高比无效，按方形像素处理
finding-missing-type-1 = 必需的属性缺失或为空：{ $attributes }
finding-laterality-text = 侧别属性为 { $attribute }，序列文字为 { $text }
finding-mixed-modality = 一个序列中有多种模态的图像，分组显示
finding-mixed-bits = { $frames } 幅图像的存储位数不同
finding-images-missing = 该次采集的 { $total } 幅图像中缺少 { $count } 幅
finding-numbers-missing = 按编号，{ $total } 幅图像中缺少 { $count } 幅（首处在 { $after } 与 { $before } 之间）
finding-patient-not-named = { $total } 幅图像中有 { $count } 幅未注明患者，视为同一患者
finding-series-of-patients = 不同患者的文件使用同一序列标识符，已分开
finding-series-of-studies = 多个检查的文件使用同一序列标识符，已分开
finding-same-uid-other-pixels = 另一个标识符相同的文件含有不同的像素
finding-directory-mismatch = DICOMDIR 与文件所述不符：{ $attributes }
finding-frame-divided = { $frames } 帧各分为几个片段，其编码不允许如此
finding-frames-undeclared = 像素数据含 { $found } 幅图像，只声明了 { $frames } 幅，其余不显示

## AI 提示：超出模型适用范围，或结果异常

finding-no-picture = 对象中没有图像
finding-scope-unknown = 文件未说明所示内容，模型适用于成人正位胸片
finding-not-a-radiograph = 不是普通胸部 X 线片
finding-not-a-chest = 文件所示部位不是胸部
finding-body-part-unknown = 文件未说明部位
finding-colour-picture = 彩色图像，模型适用于灰度 X 线片
finding-many-frames = 图像序列，模型适用于单幅 X 线片
finding-lateral-view = 不是正位，模型仅适用于后前位与前后位
finding-view-unknown = 文件未说明是否正位
finding-child = 未满 16 岁，模型适用于成人
finding-age-unknown = 文件中无年龄，模型适用于成人
finding-no-contrast = 图像没有对比度
finding-no-lung = 未找到肺
finding-one-lung = 仅找到一侧肺
finding-lung-area-unusual = 肺野占图像 { $percent } %，不常见

## 对病历的疑问

finding-birth-date-unreadable = 出生日期无法读取
finding-birth-date-in-future = 出生日期在将来
finding-deceased-without-date = 患者已故，未记录日期
finding-death-before-birth = 死亡日期早于出生日期
finding-resource-twice = 两个不同的条目使用同一编号，保留后者
finding-unit-missing = 有一个数值没有单位
finding-negative-value = 不可能为负的数值为负

## 状态栏

status-ready = 就绪
status-saved = 已保存 { $time }
status-not-saved = 未保存：{ $reason }
status-jobs = { $count } 个任务
status-gpu-memory = 显存 { $megabytes } MB
status-adapter = { $adapter }
status-display-not-calibrated = 显示器未校准
status-language = { $language }

## 任务

job-reading = 正在读取文件
job-decoding = 正在解码
job-segmenting = 正在分割肺野
job-importing = 正在导入
job-making-demo = 正在生成示例
job-loading-record = 正在读取病历
job-done = 完成
job-cancelled = 已取消
job-failed = 失败：{ $reason }
job-progress = { $done } / { $total }

## 未能打开的文件

rejected-title = 未能打开的文件
rejected-count = 收到 { $received }，显示 { $shown }，拒绝 { $rejected }
rejected-not-dicom = 不是 DICOM 文件、图片或病历
rejected-truncated = 文件不完整
rejected-damaged = 文件已损坏
rejected-unsupported = 不支持此类文件
rejected-codec = 不支持此压缩方式
rejected-no-pixels = 文件中没有图像
rejected-limit = 文件超出限制
rejected-unreadable = 文件无法读取
rejected-empty = 文件为空
rejected-password = 压缩包需要密码
rejected-nothing-found = 其中没有可显示的内容

## 加密的压缩包

unlock-title = 此压缩包已加密
unlock-text = 其中 { $count } 个文件已锁定，输入密码后即可打开
unlock-field = 密码
unlock-show = 显示输入的内容
unlock-privacy = 密码只保存在内存中，关闭检查后即清除，不会写入磁盘
unlock-trying = 正在尝试…
unlock-wrong = 此密码不正确，请重试
unlock-open = 解锁
unlock-leave = 保持锁定
unlock-again = 输入密码…

## 错误

error-title = 操作未成功
error-internal = 发生内部错误，您的工作已保留
error-disk-full = 磁盘已满，请释放空间后重试
error-no-display = 未找到显示设备
error-out-of-gpu-memory = 显存不足，无法完成此操作
error-no-model = 肺野模型缺失或已损坏
error-file-dialog = 文件对话框未能打开，请将文件拖放到窗口
error-store-locked = 存储库已锁定
error-wrong-passphrase = 口令错误
error-store-damaged = 存储库已损坏

## 按钮与短词

button-ok = 确定
button-close = 关闭
button-cancel = 取消
button-confirm = 确认
button-details = 详细信息
button-copy = 复制
button-retry = 重试
button-search = 搜索
word-yes = 是
word-no = 否
word-unknown = 未知
word-not-given = 未填

## 命令面板与帮助

palette-hint = 输入命令
palette-nothing = 没有匹配的命令
help-title = 快捷键与手势
help-keys = 快捷键
help-mouse = 鼠标
help-mouse-left = 左键拖动：当前工具
help-mouse-middle = 中键拖动：平移
help-mouse-right = 右键拖动：缩放
help-mouse-wheel = 滚轮：翻阅图像
help-mouse-ctrl-wheel = Ctrl + 滚轮：在光标处缩放
help-mouse-shift-move = Shift + 移动：十字定位线跟随
help-mouse-double-click = 双击：最大化或还原

## 窗口其余部分

ai-notice = AI，不可用于诊断
ai-model = 模型
ai-trained = 训练日期
ai-finished = 运行时间
ai-confidence = 置信度
ai-outline = 轮廓线
ai-color = 颜色
ai-result = 结果
ai-visible = 显示
ai-computed-elsewhere = 在 CPU 上计算，绘制时上传一次
badge-length-nominal = mm（名义扫描间距）
badge-length-volume = mm（体数据头）
cmd-import-record = 导入病历…
cmd-import-record-tip = 将 FHIR R4 数据包导入存储库
first-hint = 所有数据都留在本机
help-mouse-fine = 拖动时按 Shift：精细；Ctrl + Shift：粗调
help-mouse-region = Ctrl + 左键拖动：按所选区域设定窗宽窗位
menu-navigate = 浏览
notice-demo-failed = 无法生成示例：{ $detail }
notice-no-ai = 此版本不含神经网络
notice-record-failed = 无法读取病历：{ $detail }
notice-record-imported = 病历已导入：新增 { $detail } 条资源
panel-about-series = 关于此序列
panel-failed = 无法读取病历
panel-files = 文件
panel-mismatch-detail = 存在相同编号的病历，但姓名、出生日期或性别不符，因此不显示任何内容
panel-not-sure-shown = 信息不足，无法确认；请核对姓名和出生日期
panel-nothing-noticed = 无需注意的事项
viewport-name = 视图 { $number }
list-notes = { $count ->
   *[other] { $count } 条提示
 }
finding-unusual-shape = 图像一边远长于另一边；网络看到的是压缩成正方形的图像

finding-overlay-not-drawn = 有 { $planes } 个叠加层已损坏或无数据，未绘制
finding-overlay-clipped = 有 { $planes } 个叠加层超出图像，已在边缘截断
finding-shutter-not-applied = 显示遮挡（或其一部分）已损坏，未应用
finding-presentation-lut-invalid = 呈现查找表与其描述不符，未使用
finding-icc-profile = 显示的颜色未按其 ICC 特性文件转换
finding-icc-profile-srgb = 按其 ICC 特性文件，颜色为 sRGB，按存储值显示

# 科研体数据
finding-several-volumes = 文件含 { $count } 个体数据，显示第一个
finding-sheared-plane = 行与列不成直角，按无位置的序列显示
finding-orientation-unknown = 体数据在患者中的方位未知
finding-spacing-unknown = 体素间距未知
finding-origin-unknown = 体数据的位置未知，以零为起点
finding-units-assumed = 文件未注明长度单位，按毫米处理
finding-units-converted = 长度已换算为毫米
finding-standard-space = 位置属于标准空间，不是此患者的位置
finding-forms-disagree = 文件中的两种位置不一致，已采用有效的一种
finding-spacing-sign = 体素间距的符号有误
finding-header-length = 文件头所述的自身长度有误
finding-bitpix-mismatch = 文件头关于体素位数的说明自相矛盾
finding-extensions-skipped = 文件头的扩展部分未读取
finding-field-unknown = 文件头含未知字段
finding-quantised = 写入文件时数值已取整
finding-intent-label = 数值为标签
finding-integer-as-float = 64 位整数以浮点数显示
finding-volumes-left-out = 其余体数据超出可用内存，未读取
finding-affine-rounded = 写入时位置已取整
finding-float32-rounded = 写入时数值已取整为 32 位
finding-padding-not-kept = 此格式无法记录哪些数值是填充

# 测量
finding-aspect-applied = 像素不是正方形：长度以列距为单位，行距为其 { $aspect } 倍
finding-point-outside-image = { $points } 个点位于图像之外
finding-not-perpendicular = 偏离直角 { $degrees }°
finding-axes-apart = 两条径线不相交
finding-foot-beyond-line = 垂足位于线段两端之外
finding-self-crossing = 轮廓自交或自触；面积和像素按奇偶规则计算
finding-outside-image = { $count } 个像素位于图像之外，不计入
finding-padding-excluded = { $count } 个填充像素不计入
finding-not-finite-excluded = { $count } 个像素不是有限数值，不计入
finding-nothing-counted = 没有计入任何像素：无均值
finding-interpolated = 体素之间的插值，每 { $mm } 毫米采样
finding-off-plane = 轮廓偏离层面中心 { $mm } 毫米

# 没有图像的对象，或图像之外的内容
object-report = 结构化报告
object-key-objects = 关键对象选择
object-document = 文档
object-presentation-state = 显示状态
object-segmentation = 分割
object-surface = 表面
object-tractography = 纤维束成像
object-structure-set = 放疗结构集
object-plan = 治疗计划
object-dose = 剂量
object-treatment-record = 治疗记录
object-radiotherapy = 放疗对象
object-waveform = 波形
object-registration = 配准
object-value-mapping = 真实值映射
object-measurements = 测量数据
object-raw-data = 原始数据
object-hanging-protocol = 挂片协议
object-color-palette = 调色板
object-picture = 图像
object-other = 对象
content-item = 项
content-referenced-series = 引用的序列
content-instances = 实例数
content-displayed-area = 显示区域
content-grey-window = 窗
content-layer = 图层
content-annotation = 标注
content-text-object = 文字
content-graphic = 图形
content-segment = 分割段
content-frames = 帧数
content-surface = 表面
content-track-set = 纤维束集
content-tracks = 纤维数
content-roi = 感兴趣区
content-contours = 轮廓数
content-points = 点数
content-dose-reference = 剂量参考
content-fraction-group = 分次组
content-beam = 射野
content-control-points = 控制点数
content-dvh = 剂量体积直方图
content-waveform-group = 复用组
content-duration = 时长
content-channel = 通道
content-registration = 配准
content-row = 行
content-fiducial-set = 基准点集
content-fiducial = 基准点
content-value-map = 值映射
content-size = 大小
content-numbered = { $name } { $number }
content-value-points = { $count } 个点
content-value-table = { $columns } 列 × { $rows } 行
content-value-frames = 第 { $frames } 帧
content-value-parts = 部分 { $parts }
content-value-link = 同 { $place }
content-value-bytes = { $count } 字节
content-observed = 观察于 { $at }
content-no-name = 未命名
content-hidden = 已隐藏
content-loading = 正在读取对象
content-failed = 无法读取该对象
content-left-out = 至少省略了 { $count } 项
content-items = { $count } 项
content-go-to = 显示该图像
content-not-open = 不在已打开的文件中
content-expand = 全部展开
content-collapse = 全部折叠
content-open-node = 展开
content-close-node = 折叠
cmd-content = 对象内容
cmd-content-tip = 以列表显示当前视图中对象的全部内容
finding-content-missing = 报告没有内容
finding-content-type-unknown = { $count } 项的值类型不在标准之内
finding-content-value-missing = { $count } 项缺少其类型所要求的值
finding-content-relationship-unknown = { $count } 项没有说明与上一级的关系
finding-content-name-missing = { $count } 项缺少概念名称
finding-content-link-lost = { $count } 项引用了报告中不存在的位置
finding-content-too-long = 项数过多，至少省略了 { $count } 项
finding-segment-undescribed = 有帧属于 { $count } 个未描述的分割段
finding-contour-points-differ = { $count } 条轮廓的点数与声明不符
finding-contour-data-ragged = { $count } 条轮廓的坐标不是完整的点
finding-contour-without-roi = { $count } 个区域有轮廓却没有描述
finding-waveform-channels-differ = 波形的通道数与声明不符
finding-waveform-data-length = 波形数据的字节数与通道数和采样数不符
finding-document-missing = 对象中没有文档
finding-document-length = 文档长度与声明不符
content-has-observation-context = 观察背景
content-has-acquisition-context = 采集背景
content-has-modifier = 修饰
content-has-properties = 属性
content-inferred-from = 依据
content-selected-from = 选自

## 标签浏览器

cmd-tags = 标签…
cmd-tags-tip = 当前视图中对象的全部元素：搜索、比较、复制
tags-title = 标签
tags-series = 序列 { $number }
tags-image = 图像 { $number }
tags-frame = 帧 { $number }
tags-search = 名称、标签或值
tags-found = 找到 { $count } 项
tags-nothing = 没有这样的元素
tags-same = 没有差异
tags-copy = 复制为 JSON
tags-copy-element = 将元素复制为 JSON
tags-copy-tip = DICOM JSON 模型；长值只注明其位置
tags-compare = 比较
tags-with-nothing = 不比较
tags-with-view = 与视图 { $number } 比较
tags-with-frame = 与另一帧比较
tags-all = 也显示相同的元素
tags-tag = 标签
tags-vr = VR
tags-name = 名称
tags-value = 值
tags-value-this = 此对象
tags-value-other = 另一对象
tags-item = 条目 { $number }
tags-private = 私有元素
notice-copied = 已复制
notice-work-failed = 读写文件时出错

## 标记的导出与导入

cmd-export-marks = 将标记导出为 DICOM…
cmd-export-marks-tip = 把已打开检查的标记和关键图像写成报告、显示状态和关键对象，存入所选文件夹
cmd-show-marks = 显示此报告的标记
cmd-show-marks-tip = 把当前视图中报告所含的标记和关键图像显示在其图像上
cmd-key-image = 关键图像
cmd-key-image-tip = 将当前图像设为关键图像，或取消
cmd-key-next = 下一个关键图像
cmd-key-previous = 上一个关键图像
job-exporting-marks = 正在写入标记
badge-key-image = 关键图像
notice-no-key-images = 此检查没有关键图像
notice-no-marks = 报告中没有标记
notice-marks-imported = 已取出报告中的标记
notice-marks-unreadable = 无法读取报告中的标记
notice-marks-exported = 标记已写入
notice-marks-left = 标记已写入，但有些不适合任何格式
notice-marks-not-written = 无法写入标记
