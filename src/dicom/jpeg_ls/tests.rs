//! Codestreams of an independent encoder over pictures that the tests compute, and hostile bytes.

use super::*;

/// A picture by the formula of `picture`, 13 wide and 9 high, coded by another encoder.
struct Sample {
    name: &'static str,
    components: usize,
    bits: u32,
    near: u8,
    /// FNV-1a of what that encoder's decoder makes of it.
    hash: u64,
    hex: &'static str,
}

const WIDTH: usize = 13;
const HEIGHT: usize = 9;

// By CharLS 2.4.3; from "restart intervals" on by a plain encoder after the text of T.87, because CharLS does not
// write such streams. CharLS reads those of one or three components alike, libjpeg the one with a MAXVAL.
const STREAMS: &[Sample] = &[
    Sample {
        name: "grey of 8 bits",
        components: 1,
        bits: 8,
        near: 0,
        hash: 0xE9E59B166ABF521A,
        hex: "FFD8FFF7000B080009000D01011100FFDA0008010100000000000001FC950800000B6804401304A0DC4916E767000000AD86\
            0F8E3C0000074C000006835F920430F959D800494A5C9E788E001BB800000D1D495A0F2E5DF616452B000001670002001193\
            26492462163C0C61738537449B240000653650B709E6908000007A4E14C924A58D1D05A000001710FFD9",
    },
    Sample {
        name: "grey of 2 bits",
        components: 1,
        bits: 2,
        near: 0,
        hash: 0x3A87F9822562193C,
        hex: "FFD8FFF7000B020009000D01011100FFDA00080101000000007796AADC2D34ED68E92D256A93EB8A599782FCF8FD2B4AD5CF\
            DC4B6BDD00FFD9",
    },
    Sample {
        name: "grey of 12 bits",
        components: 1,
        bits: 12,
        near: 0,
        hash: 0xB236A0E656CBEC79,
        hex: "FFD8FFF7000B0C0009000D01011100FFDA0008010100000000000000001FFC810410000000001F036D7F28D575ED9FE181CF\
            4E5CA552B56DB6000000001A5DD7BF245AEAF75D66000000001B2782BE4BA66CDAB56A547D482BE2B46C58B3A30602324300\
            0000001F67E1F3060C3F3866C4342ADC2A68D121A610A8F44EAD9246CE00000000075D61530400000005AC6D67CC05968AA7\
            D06272FFD9",
    },
    Sample {
        name: "grey of 16 bits",
        components: 1,
        bits: 16,
        near: 0,
        hash: 0xC3BCDD8856C31FB1,
        hex: "FFD8FFF7000B100009000D01011100FFF8000D01FFFF0012004301140040FFDA0008010100000000000000000001FF7E4008\
            020080000000000000FF40E36C7FA460AB82F60CF870C00E7FA745C8250520B41685A16000000000001FA5DD7FBF4488350D\
            41E8D46A13000000000000FD93C015FF128D2134268550AA2A8A9F7A90057FC5451164592C86930983F19201800000000000\
            FF59E611E984C2611F4E1F9B100E2141698AAB4B4921FA6100AF8F489D05A4A92DAE0000000000007F5D6015F304F38B10B4\
            64F583F65A0ABE7D271472FFD9",
    },
    Sample {
        name: "near 3",
        components: 1,
        bits: 8,
        near: 3,
        hash: 0xF402F5C0ED05CC3A,
        hex: "FFD8FFF7000B080009000D01011100FFDA000801010003000000003BC0004030705123C7DDA012E2180008007A86889CE3C5\
            548210961280000075261332C10095011188088B5055804998CD402AC408844EC0169400008088402A9A10F00004FFD9",
    },
    Sample {
        name: "near 7 of 16 bits",
        components: 1,
        bits: 16,
        near: 7,
        hash: 0x6AA10C2F3272E195,
        hex: "FFD8FFF7000B100009000D01011100FFF8000D01FFFF0027006601450040FFDA00080101000700000000000011F010208000\
            0000000000C3FE1E3D35C1706C1F01C4814341428A0828200000000586920D1A508294A08000000017D02920D14215555000\
            0000032A0A483414242555511A90600000000434485244AC84236A1C914A52644238A14898A4A0A49A4239A148A0FDA14509\
            600000000744291511D0C0FFD9",
    },
    Sample {
        name: "colour in three scans",
        components: 3,
        bits: 8,
        near: 0,
        hash: 0x06AC8F230BBC37C0,
        hex: "FFD8FFF70011080009000D03011100021100031100FFDA0008010100000000000001FC950800000B6804401304A0DC4916E7\
            67000000AD860F8E3C0000074C000006835F920430F959D800494A5C9E788E001BB800000D1D495A0F2E5DF616452B000001\
            67000200119326492462163C0C61738537449B240000653650B709E6908000007A4E14C924A58D1D05A000001710FFDA0008\
            010200000000000001FC9500000134000580E800000CA02306A278B73A3000802A003174000C000003B5BE00000628570800\
            02C0024A981054B1A860D9047A8552392C5DFE709200000353160037C44C1924911E1722C2001BE60A6E4F91A0A2980000C5\
            3C5160221254F1F1C16416424D2B680000068B80FFDA0008010300000000000001FC950000016E0363D0BC109CC4515E7598\
            0200140000061C53EB23800000D06CB0036D4187886283E56300011779CF92706963000330688E4E24531CACE00115344720\
            122C800000C1F0000C0032A4B74262A143440C34416824282A681D000000F7B4EAD8E8A1B234FA640080FFD9",
    },
    Sample {
        name: "colour by line",
        components: 3,
        bits: 8,
        near: 0,
        hash: 0x06AC8F230BBC37C0,
        hex: "FFD8FFF70011080009000D03011100021100031100FFDA000C03010002000300000100000001FC950800000B6804401304A0\
            DC4916CFD993264AD6C2E600000328593589E289FB5AB56A8B6AED2F64D2F9C4439D9C000002B6183E38F000001D3000001A\
            0BA30008CE0A26800180000076A2EB324448C25FD124000006837F929659F2C2F00126DC00000CE37167980096CB003714D1\
            C23898F115297669A6745CC000006862D4CF881179262C451DA2D8C000445FE0C93E01AA4ADDC71C779F85886A470DBA418A\
            44B0000044363000371E2392172C8D90C0000059C58009A69B2093BEEB3D4DB349642285A8670009E6945D8D31804A1BC063\
            1C6135EAD0B25D3D4614DC0B22428A600018C796598E0808515800188674B738422908000007A4A9C92AAE1A1254F0001CA5\
            53D68E0911A345A0003C69EEF2B2A4E8E82B01E32712D60D5DB680000068A0BC92B05851625A7D3600E0FFD9",
    },
    Sample {
        name: "colour by sample",
        components: 3,
        bits: 8,
        near: 0,
        hash: 0x06AC8F230BBC37C0,
        hex: "FFD8FFF70011080009000D03011100021100031100FFDA000C03010002000300000200000001FD7F3FA57FC20000026A0000\
            02DC000B03205C06405C6A13800000CA04A1B86A19825046613D89E7110C413FCAECF8DB40000015B00200206014BFD00000\
            061E060A284FEA2882A1E49000001A0000001DA000001A0DFF5CCC4A00001800CB3DC547F3F1B16953857BA3D0980040023C\
            4A2A534D8FDBD00011A44A1A4482CF94C98DBA50A3C505000000CF8F41A28AA4B498FBB8000371E20D3A41820A4F59922A89\
            76492AE5C002C364A50C0000059D61C5BD000400255965C789309E924BD20908E128931FC5A008610DE3A0000C0C40D14A21\
            C615D8536A4D7038EC5842484204211650A8C200C2A610727B928E15D617568F52684870422448A435016C000007A4000700\
            01E34327BCE22F51D738B85AD342852B96A79D1D6D9F852000001A25A07A080380FFD9",
    },
    Sample {
        name: "near 2, colour by sample",
        components: 3,
        bits: 8,
        near: 2,
        hash: 0xD6517D3648FDAF8F,
        hex: "FFD8FFF70011080009000D03011100021100031100FFDA000C030100020003000202000000007112657FF80080000200600C\
            141C0A0E070003123468D1E12121E5C2434B97BEBE1E001082461B8001423139D6828CD00018000030001EAF9A78041205ED\
            FF4CF104DFFE602096BADF6180209908C64DF9B4012111B2A000000613C5D5BEC0220204611199347D4C6E2191543000011C\
            F8012084102090A531119344D66B0430E559C19D540402022118860211C9B9351350A59C501085BF3D9000000690E0218621\
            188C1D89A09A0440820A4C7AD7CD8000004000000B60000011418A465B352720E9714D62138E08D8B1800000060F06900CFF\
            D9",
    },
    Sample {
        name: "four by sample",
        components: 4,
        bits: 8,
        near: 0,
        hash: 0xA02C239816EB37B1,
        hex: "FFD8FFF70014080009000D04011100021100031100041100FFDA000E040100020003000400000200000001FD7F3F9FD2BFFE\
            1000001350000016E00000F03205C0A813015198C40000060023298423F0C42F0B42B0F43B2C95CF62699CCA773A9CCE32BD\
            9F1B69EC000002B60040040014300A5C9F400D0E40C6440A1376568EC250ACA91D6C0000068000000768000006813F7FEE63\
            14938000060032859EDBD547F111F8C1E1791304F578A0958A45C0040023F09928A2A534D8FF5EBF00011035B79FDADBDA67\
            9CC1949434AB84B59D3E61300000067C7E0CAD2952A4B498FEB9740006D28BB4E28C3649A3DA39038D92976F0997EA455582\
            F0000070DC74A10E000002CEB0E442DF0002440049716D20B26F144B70E24BD1A412116102538C6DFF0B80103B6111BC7400\
            01B40C40D48A474A36495D8125568349EE05841D881A779A20843444445942A30B400283092483974BFC5455A8AEB0697568\
            C086491C7F14108C07A244521A80B71C000007A40007000000F6800000DA99182CC7E7105715455E6B8BCF1EF90382454B17\
            05A9E73A3ADB3F338A4000003447C000007B40F4000723FFD9",
    },
    Sample {
        name: "HP1",
        components: 3,
        bits: 8,
        near: 0,
        hash: 0x06AC8F230BBC37C0,
        hex: "FFD8FFE800076D72667801FFF70011080009000D03011100021100031100FFDA000C03010002000300000200000001FE7F3F\
            E57FC000004E4001C04D0002E9800036D600000194B58009E30002BAD09FAD00037C95D831B844008D016E9C20068508BC10\
            2410000680C80000076CC3717CA3200000D90A6856B4821A0002D4800000584008208242A2A6A360822A8958AD54304B6250\
            56C1E9AA10854149424E59962117327FDAD1C4449600000179000001A978842180019636BF388A260A65249488893C4F85C7\
            A888D843C01A7F730A5393949F200000181462044451245412A00000D452FCE51B60E229F847C89145350151C0003150E2C5\
            A220ECC88848C000002FFA3F6DB459B62D54000003454005C6FFD9",
    },
    Sample {
        name: "HP2",
        components: 3,
        bits: 8,
        near: 0,
        hash: 0x06AC8F230BBC37C0,
        hex: "FFD8FFE800076D72667802FFF70011080009000D03011100021100031100FFDA000C03010002000300000100000001FD9500\
            000139999B6D3F6DB4001C000005B00007800000CA0015001713C0F4FEAAAAAA2DB0066031C005E02DD27602B6142850197D\
            180040150018BA0006000001DC83B8E2F0090000007F221C6E222689A000000B0C37C00000C50AE10000580049AD28A71EF2\
            41A42A264A94DD0D4C082A58D4306C823D435A486E000001F4000001FC983B8000058540CC9B68A0000017986A47258BBFCE\
            124000006A61AC7B21E2034D428C000D76892082359F1130649244785C8CD2E88000007CC6F047E8D74B910A28901000DF30\
            51747C91145388C6000001F31BC01000000E1C513A4EE2045149C00C29E26B211092A78000C91076AC30857440000001D7A9\
            BBF2B458E0040A16FECC4985B3461F2000001F9015A47EAD3B5E0AFFD9",
    },
    Sample {
        name: "HP3 of 16 bits",
        components: 3,
        bits: 16,
        near: 0,
        hash: 0xEC16948A95AA9F74,
        hex: "FFD8FFE800076D72667803FFF70011100009000D03011100021100031100FFF8000D01FFFF0012004301140040FFDA000C03\
            010002000300000200000000000001FF7EBFFF6FFF7C00802008040201008080808080000000000001FEC981DC0EA36C0060\
            063FC00C00D2300300315700100117B00500519F0090091C300D00D002008039FE1B0085008317A0140083D00600C2280601\
            84D0180C2A80C061640C0C5D0302000000000003F447A19DAFF39804680458990120142480900A154010045100804AA01009\
            640404BA0200000000000007EB5E314608040300D7FA6C0234022C75014050BA0A0A1841404348102590204BA040B08101F6\
            E5364D50080C068FE93008501062C8040232810234850A6D0A147D0A1594515A4513EFD2E5708040603800000000000FF96C\
            3A8713280C06510C3368209C4514EA49248922BA8A27E2F5D2E5008181E2141C1C228050029238EDA186F2082FA28AA5248F\
            CB0B95C20206068F057032A064E5400802124010050471D9430E0410562293F3AADD6C808181A3C57C0D481A640C0E819750\
            04022201009A9CEBA31C0840000000000007F45ED1CD0503034791B81B503667941081D4341081C0FFD9",
    },
    Sample {
        name: "thresholds, SPIFF, a comment",
        components: 1,
        bits: 8,
        near: 0,
        hash: 0xE9E59B166ABF521A,
        hex: "FFD8FFE8002053504946460002000001000000090000000D080806010000006000000060FFE8000800000001FFD8FFFE0003\
            78FFF7000B080009000D01011100FFF8000D0100FF0009001E003C0040FFDA0008010100000000000001FC950800000B6804\
            401304A0DC4916E767000000AD860F8087800000E9800000D06BF00001804019F2C3B00092948000850A00160617000001A3\
            A928006000870E09C22C004AC0000059C00080041A00019F000052410B0000C0C006744852E80004AC9000018E34E0BF0000\
            00BACA42000001E93858D38A56D1D1B0000002E2FFD9",
    },
    Sample {
        name: "restart intervals",
        components: 1,
        bits: 8,
        near: 0,
        hash: 0xE9E59B166ABF521A,
        hex: "FFD8FFF7000B080009000D01011100FFDD00040005FFDA0008010100000000000001FC950800000B6804401304A0DC4916E7\
            67000000AD860F8E3C0000074C000006835F920430F959D800494A5C9E788E001BB800000D1D495A0F2E5DF616452BFFD000\
            0001940E1A2E193B168FF4E185D600006060030000C50000071E349D24B164CE14F0B2D088000007A4D9644D3982C1D06200\
            000171FFD9",
    },
    Sample {
        name: "restart intervals by line",
        components: 3,
        bits: 8,
        near: 1,
        hash: 0x919FC40DA402A168,
        hex: "FFD8FFF70011080009000D03011100021100031100FFDD00040001FFDA000C03010002000300010100000000D2BC00000288\
            00A0481E36130B8CE94B53AF97000000B011190A854678C5B0EB64CC9D15190880FFD0000000D2B0000009901C2C16262E3A\
            25C8CE94961B2264F898D8FA833B5AD965F0000033622323A280FFD1000000D2A000001522469536000001642E3E15A0CE54\
            5977499B3E2A36FD8676C493648973626434E0FFD2000000D28000002BD165F2674F8B8B49219C9C4577CA800001888B8000\
            00695AC33B6115DB3664E8B91D68FFD3000000D200000175165F2674FF5495066D75365F2E6C446AD4B0CEDD4D92254D8880\
            000066631AFFD4000000B031429E3CA99EDA94A02B55922478000066C85AD6B0CAFF26D972A74398B62CFFD5000000C619C3\
            891E00003274A4B205DED345930F577670049E25E7910932318C62C600FFD6000000C718A5890B3F4A5240407CD33F540003\
            231B52D4541122DA2EBA4CD6318B020000001A20FFD700000218E6800302652AA0030000003283E5B6980037734A529C0E82\
            6A227B64495A94B0D8220A00FFD9",
    },
    Sample {
        name: "lines counted afterwards",
        components: 1,
        bits: 8,
        near: 0,
        hash: 0xE9E59B166ABF521A,
        hex: "FFD8FFF7000B080000000D01011100FFDA0008010100000000000001FC950800000B6804401304A0DC4916E767000000AD86\
            0F8E3C0000074C000006835F920430F959D800494A5C9E788E001BB800000D1D495A0F2E5DF616452B000001670002001193\
            26492462163C0C61738537449B240000653650B709E6908000007A4E14C924A58D1D05A000001710FFDC00040009FFD9",
    },
    Sample {
        name: "oversize",
        components: 1,
        bits: 8,
        near: 0,
        hash: 0xE9E59B166ABF521A,
        hex: "FFD8FFF8000A040300000900000DFFF7000B080000000001011100FFDA0008010100000000000001FC950800000B68044013\
            04A0DC4916E767000000AD860F8E3C0000074C000006835F920430F959D800494A5C9E788E001BB800000D1D495A0F2E5DF6\
            16452B00000167000200119326492462163C0C61738537449B240000653650B709E6908000007A4E14C924A58D1D05A00000\
            1710FFD9",
    },
    Sample {
        name: "two by sample",
        components: 2,
        bits: 8,
        near: 0,
        hash: 0x5013D34D8FE0FDA7,
        hex: "FFD8FFF7000E080009000D02011100021100FFDA000A0201000200000200000001FD7F4AF84000004D4000005B0001603A03\
            616800000CA07E1E82F05A7F13C5113E5D9F1A000002B60040C02A2903142A9A000000E98006000001A0000001DAD7FF1480\
            00019679422FE2B082FEE80040024A94D37A7869534B1BFB921334EE8E000003423A451525A4E8D49142250811FEC66C1127\
            95000C4516000002CEB05BA001384093E49E28A3BF11967C54A1BC740C40B5DB2040B6A6D8E4BAAFD085942A00000C5893D0\
            D992CAEAD4AC890484A4350000001E901E363441E951EE5EA59152847475B62B000000D10087FFD9",
    },
    Sample {
        name: "two by line",
        components: 2,
        bits: 16,
        near: 0,
        hash: 0xE65FA3C038C48F16,
        hex: "FFD8FFF7000E100009000D02011100021100FFDA000A0201000200000100000000000001FF7E4008020080000000000000FF\
            40E36C7FA460AB82F60CF8709FFF5803401A00D0060001ECE99EF38B829E0B9865C3760073FD3A2E41282905A0B42D0B0000\
            00000000FD2EC01CFF0645C8390823D0AA1645C000000000003F447AFF3F48D0C4310E4623110000000000000FD93C01AFF3\
            89223D0AA4D28954B1F5AD00AFF929842684D0A2393938FBD2806BFD326915459195253543EDBA015FF1522944A251184E4E\
            3F18201AFF24492512AAC9D53543EFBA03000000000001FF33CA2529A9A9A7140FCD280DFE592896A4A6A8A1563F15A03885\
            05A1A62932501FA51015F1E9102104CC19B5529F94D015F05513A14834B268000000000001FD7580AF98279C4C88245CD9A0\
            FCE082AF8AE7FCAD128B3B13F65A12BE7D2714038649722E707E8A4257C8D4F09140FFD9",
    },
    Sample {
        name: "three and then two",
        components: 5,
        bits: 8,
        near: 0,
        hash: 0x374AFBA927E72442,
        hex: "FFD8FFF70017080009000D05011100021100031100041100051100FFDA000C03050002000100000200000001FD7F3FA57FC0\
            00007884F00640B8150171A8CC250000019408C350CC313D823309CC4D3D886209FE572E2373C001C008000002B603402860\
            0001111350C862AA0A293715C2B000000F301C800000D06A62E7FF5C000064E620A141150C2BEBFA0BC20755DCEC000002D6\
            00400244954266A4D8217A4540D3D2268A3AB6C252AC957020FF56781F001E892457F3251693A6E49EB26EEB075FF020AF56\
            DFAE2123E0B80050B514516000002FFB04997A164B98008C9B60C38B9C25DCE642433A202518B1F48AEE78E92C8032A44596\
            6943459C9E5B946144ED021411452ACD6A452A80000C58A44105505AC956678B8B6454D49514EA542B334106C03C000003D2\
            A86C69E10F3045C5D3058494D69C2815A38DF29B1D451000001A21680030A2E0FFDA000A0203000400000200000001FD7F4A\
            F800000B7000007819138E4000006002B0A43B0E4D6693D9E44B1265D69EC0080028014801A1C6440ECAD04A4559000001A0\
            4FD8C520032AD3C712193E6893F505632210A16C7FC0004488BBF3D1C307886A30A019726C7F4000DF7C8907F4724149B2E5\
            74D43C1DB3800030004AB2F3C41FEFC4664B1B29AF800000C1891E0001B0001A8BBFA2B83C2E54D17328AC3E7585A34D25EF\
            F5A9A962A64B9B4B0025D16E3800000F7800000DAF8A3C5B1BBE44C18366E1B231A7E6736000003DA0000110C0FFD9",
    },
    Sample {
        name: "MAXVAL 200",
        components: 1,
        bits: 8,
        near: 0,
        hash: 0x13B949D3CE5862B2,
        hex: "FFD8FFF7000B080009000D01011100FFF8000D0100C8000400090019001FFFDA0008010100000000000001C6960000026000\
            0B01D0BC10800000DE0139BA75800305C0B1F005D4800003008C800000C2B774000005FEAB9D8A3B1304621AD54D468D39C0\
            0047A000B80060002001069D108E1F089C200C61B26B212346C6000018E308AA458AA52A000000CE9C2D568A049492340000\
            05C4FFD9",
    },
];

fn bytes(hex: &str) -> Vec<u8> {
    let (pairs, _) = hex.as_bytes().as_chunks::<2>();
    let digit = |d: u8| (d as char).to_digit(16).unwrap() as u8;
    pairs
        .iter()
        .map(|[a, b]| digit(*a) << 4 | digit(*b))
        .collect()
}

fn picture(components: usize, most: usize) -> Vec<u16> {
    let mut values = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            for c in 0..components {
                let busy = (x * x * 5 + y * y * 3 + x * y * (c + 1) + c * 29) % (most + 1);
                let flat = (x + y) % 13 < 5;
                values.push(if flat { most / 2 } else { busy } as u16);
            }
        }
    }
    values
}

/// Decodes a stream of any size up to 64 KiB.
fn decoded(stream: &[u8]) -> Result<(Header, Vec<u8>), Fault> {
    let header = read_header(stream)?;
    let size = header.bytes().filter(|b| *b <= 1 << 16);
    let mut out = vec![0; size.ok_or_else(|| wrong("too large for a test"))?];
    assert_eq!(decode(stream, &mut out)?, header);
    Ok((header, out))
}

fn code(stream: &[u8]) -> Option<&'static str> {
    decoded(stream).err().map(|f| f.code)
}

fn stream(name: &str) -> Vec<u8> {
    bytes(STREAMS.iter().find(|s| s.name == name).unwrap().hex)
}

#[test]
fn pictures_of_other_encoders_come_out_as_they_went_in() {
    for sample in STREAMS {
        let (header, out) = decoded(&bytes(sample.hex)).unwrap();
        assert_eq!(
            (header.rows as usize, header.columns as usize, header.near),
            (HEIGHT, WIDTH, sample.near),
            "{}",
            sample.name
        );
        let most = if sample.name == "MAXVAL 200" {
            200
        } else {
            (1 << sample.bits) - 1
        };
        let values: Vec<u16> = if header.size() == 1 {
            out.iter().map(|v| u16::from(*v)).collect()
        } else {
            let (pairs, _) = out.as_chunks();
            pairs.iter().map(|v| u16::from_le_bytes(*v)).collect()
        };
        let first = picture(sample.components, most);
        assert_eq!(values.len(), first.len(), "{}", sample.name);
        let off = values.iter().zip(&first).map(|(v, f)| v.abs_diff(*f));
        let off = off.max().unwrap();
        assert!(off <= u16::from(sample.near), "{}: {off}", sample.name);
        assert!((off == 0) == (sample.near == 0), "{}", sample.name);
        let hash = out.iter().fold(0xCBF2_9CE4_8422_2325u64, |h, b| {
            (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01B3)
        });
        assert_eq!(hash, sample.hash, "{}", sample.name);
    }
}

/// An encoder for one component, as plain as the text of T.87, for pictures that are too large to be written here.
struct Encoder {
    out: Vec<u8>,
    bits: (u32, u32, u32),
    near: i32,
    most: i32,
    range: i32,
    qbpp: u32,
    limit: u32,
    thresholds: [i32; 3],
    contexts: Vec<[i32; 4]>,
    negative: [i32; 2],
    run: usize,
}

impl Encoder {
    fn new(bits: u32, near: i32, thresholds: [i32; 3]) -> Self {
        let most = (1 << bits) - 1;
        let range = (most + 2 * near) / (2 * near + 1) + 1;
        Self {
            out: Vec::new(),
            bits: (0, 0, 8),
            near,
            most,
            range,
            qbpp: (range - 1).ilog2() + 1,
            limit: 2 * (bits + bits.max(8)),
            thresholds,
            contexts: vec![[2.max((range + 32) / 64), 0, 0, 1]; 367],
            negative: [0; 2],
            run: 0,
        }
    }

    fn put(&mut self, value: u32, count: u32) {
        for i in (0..count).rev() {
            let (held, number, room) = &mut self.bits;
            (*held, *number) = (
                *held << 1 | (value.checked_shr(i).unwrap_or(0) & 1),
                *number + 1,
            );
            if number == room {
                self.out.push(*held as u8);
                self.bits = (0, 0, if *held == 255 { 7 } else { 8 });
            }
        }
    }

    fn golomb(&mut self, mapped: i32, k: u32, limit: u32) {
        let (high, value) = (mapped as u32 >> k, mapped as u32);
        if high < limit - self.qbpp - 1 {
            self.put(0, high);
            self.put(1, 1);
            self.put(value, k);
        } else {
            self.put(0, limit - self.qbpp - 1);
            self.put(1, 1);
            self.put(value - 1, self.qbpp);
        }
    }

    /// The error as it is coded, and the sample as it is decoded.
    fn error(&self, value: i32, prediction: i32, sign: i32) -> (i32, i32) {
        let step = 2 * self.near + 1;
        let error = sign * (value - prediction);
        let error = error.signum() * ((error.abs() + self.near) / step);
        let seen = (prediction + sign * error * step).clamp(0, self.most);
        let error = error.rem_euclid(self.range);
        let negative = error >= (self.range + 1) / 2;
        (if negative { error - self.range } else { error }, seen)
    }

    fn parameter(a: i32, n: i32) -> u32 {
        (0..).find(|k| i64::from(n) << k >= i64::from(a)).unwrap()
    }

    fn regular(&mut self, value: i32, q: i32, [ra, rb, rc]: [i32; 3]) -> i32 {
        let (sign, place) = (if q < 0 { -1 } else { 1 }, q.unsigned_abs() as usize);
        let [mut a, mut b, mut c, mut n] = self.contexts[place];
        let edge = if rc >= ra.max(rb) {
            ra.min(rb)
        } else if rc <= ra.min(rb) {
            ra.max(rb)
        } else {
            ra + rb - rc
        };
        let (error, seen) = self.error(value, (edge + sign * c).clamp(0, self.most), sign);
        let k = Self::parameter(a, n);
        let mapped = match (self.near == 0 && k == 0 && 2 * b <= -n, error >= 0) {
            (true, true) => 2 * error + 1,
            (true, false) => -2 * (error + 1),
            (false, true) => 2 * error,
            (false, false) => -2 * error - 1,
        };
        self.golomb(mapped, k, self.limit);
        b += error * (2 * self.near + 1);
        a += error.abs();
        if n == 64 {
            (a, b, n) = (a >> 1, b >> 1, n >> 1);
        }
        n += 1;
        if b <= -n {
            (b, c) = ((b + n).max(1 - n), (c - 1).max(-128));
        } else if b > 0 {
            (b, c) = ((b - n).min(0), (c + 1).min(127));
        }
        self.contexts[place] = [a, b, c, n];
        seen
    }

    fn interruption(&mut self, value: i32, ra: i32, rb: i32, order: u32) -> i32 {
        let alike = (ra - rb).abs() <= self.near;
        let kind = i32::from(alike);
        let sign = if !alike && ra > rb { -1 } else { 1 };
        let (error, seen) = self.error(value, if alike { ra } else { rb }, sign);
        let [a, _, _, n] = self.contexts[365 + kind as usize];
        let k = Self::parameter(a + (n >> 1) * kind, n);
        let half = 2 * self.negative[kind as usize] >= n;
        let map = (k == 0 && error > 0 && !half) || (error < 0 && (half || k != 0));
        let mapped = 2 * error.abs() - kind - i32::from(map);
        self.golomb(mapped, k, self.limit - order - 1);
        let (context, negative) = (
            &mut self.contexts[365 + kind as usize],
            &mut self.negative[kind as usize],
        );
        *negative += i32::from(error < 0);
        context[0] += (mapped + 1 - kind) >> 1;
        if n == 64 {
            (context[0], context[3]) = (context[0] >> 1, n >> 1);
            *negative >>= 1;
        }
        context[3] += 1;
        seen
    }

    fn gradient(&self, difference: i32) -> i32 {
        let size = difference.abs();
        let above = self.thresholds.iter().filter(|t| size >= **t).count() as i32;
        difference.signum() * if size <= self.near { 0 } else { above + 1 }
    }

    fn line(&mut self, values: &[i32], above: &[i32]) -> Vec<i32> {
        let (mut line, mut x) = (vec![above[1]], 0);
        while x < values.len() {
            let (ra, rb, rc) = (line[x], above[x + 1], above[x]);
            let rd = above[(x + 2).min(values.len())];
            let [first, second, third] = [rd - rb, rb - rc, rc - ra].map(|d| self.gradient(d));
            let q = 81 * first + 9 * second + third;
            if q != 0 {
                line.push(self.regular(values[x], q, [ra, rb, rc]));
                x += 1;
                continue;
            }
            let like = |v: &&i32| (**v - ra).abs() <= self.near;
            let mut run = values[x..].iter().take_while(like).count();
            x += run;
            line.resize(x + 1, ra);
            let order = |run: usize| u32::from(scan::ORDERS[run]);
            while run >= 1 << order(self.run) {
                self.put(1, 1);
                run -= 1 << order(self.run);
                self.run = (self.run + 1).min(31);
            }
            if x < values.len() {
                let order = order(self.run);
                self.put(0, 1);
                self.put(run as u32, order);
                line.push(self.interruption(values[x], ra, above[x + 1], order));
                self.run = self.run.saturating_sub(1);
                x += 1;
            } else if run > 0 {
                self.put(1, 1);
            }
        }
        line
    }
}

/// A stream, and what its decoder is to see; thresholds are the defaults.
fn encoded(values: &[u16], width: usize, bits: u32, near: i32) -> (Vec<u8>, Vec<u16>) {
    let coding = Coding::new(bits as u8, near as u8, &Preset::default()).unwrap();
    let mut encoder = Encoder::new(bits, near, coding.thresholds);
    let mut above = vec![0; width + 1];
    let mut seen = Vec::new();
    for line in values.chunks_exact(width) {
        let line: Vec<i32> = line.iter().map(|v| i32::from(*v)).collect();
        above = encoder.line(&line, &above);
        seen.extend(above[1..].iter().map(|v| *v as u16));
    }
    while encoder.bits.1 > 0 {
        encoder.put(0, 1);
    }
    if encoder.bits.2 == 7 {
        encoder.out.push(0);
    }
    let [[h, l], [r, c]] = [values.len() / width, width].map(|v| (v as u16).to_be_bytes());
    let mut stream = bytes("FFD8FFF7000B");
    stream.extend([bits as u8, h, l, r, c, 1, 1, 0x11, 0]);
    stream.extend(bytes("FFDA0008010100"));
    stream.extend([near as u8, 0, 0]);
    stream.extend(encoder.out);
    stream.extend([0xFF, 0xD9]);
    (stream, seen)
}

#[test]
fn large_pictures_come_back() {
    // What the small ones do not reach: portions of the codestream, counts past RESET, corrections at their
    // bounds, codes with a value in full, long runs.
    let (own, _) = encoded(&picture(1, 255), WIDTH, 8, 0);
    assert_eq!(
        own,
        stream("grey of 8 bits"),
        "the encoder of the tests is CharLS's equal"
    );
    let mut state = 1u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    for (bits, near) in [
        (8, 0),
        (12, 0),
        (16, 0),
        (5, 0),
        (2, 0),
        (8, 2),
        (16, 7),
        (10, 255),
    ] {
        let most = (1u32 << bits) - 1;
        for kind in 0..5 {
            let value = |x: u32, y: u32, r: u32| match kind {
                0 => r,
                1 => x * most / 300 + r % (most / 40 + 1),
                2 => most / 3 + u32::from(r.is_multiple_of(97)) * (r >> 12),
                3 => (x * (y % 7) * 3) % (most / 2 + 1) + (r % (most / 4 + 1)) * (r >> 20 & 1),
                _ => u32::from(r.is_multiple_of(3000)) * most,
            };
            let mut values = Vec::new();
            for y in 0..90 {
                values.extend((0..301).map(|x| (value(x, y, random()) & most) as u16));
            }
            let (stream, seen) = encoded(&values, 301, bits, near);
            let mut out = vec![0; values.len() * if bits > 8 { 2 } else { 1 }];
            let header = decode(&stream, &mut out).unwrap();
            let want: Vec<u8> = if header.size() == 1 {
                seen.iter().map(|v| *v as u8).collect()
            } else {
                seen.iter().flat_map(|v| v.to_le_bytes()).collect()
            };
            assert!(out == want, "{bits} bits, NEAR {near}, picture {kind}");
            let off = seen.iter().zip(&values).map(|(s, v)| s.abs_diff(*v)).max();
            assert!(off.unwrap() <= near as u16, "{bits} bits, NEAR {near}");
        }
    }
}

#[test]
fn the_example_of_the_standard_is_decoded() {
    // T.87, H.3.
    let stream = bytes(
        "FFD8FFF7000B080004000401011100FFDA0008010100000000C000006C80208E01C00000574000006EE6\
         000001BC18000005D800009160FFD9",
    );
    let (header, out) = decoded(&stream).unwrap();
    assert_eq!((header.rows, header.columns), (4, 4));
    let want = [
        0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145,
    ];
    assert_eq!(out, want);
}

#[test]
fn the_header_says_what_the_markers_say() {
    let header = read_header(&stream("HP2")).unwrap();
    assert_eq!((header.components, header.precision), (3, 8));
    assert_eq!((header.interleave, header.transform), (Interleave::Line, 2));
    let header = read_header(&stream("near 2, colour by sample")).unwrap();
    assert_eq!((header.interleave, header.near), (Interleave::Sample, 2));
    assert_eq!(read_header(&stream("oversize")).unwrap().columns, 13);
    assert_eq!(
        read_header(&stream("lines counted afterwards"))
            .unwrap()
            .rows,
        9
    );
}

#[test]
fn whatever_is_cut_off_is_missed() {
    for sample in STREAMS {
        let whole = bytes(sample.hex);
        for length in 0..whole.len() {
            let cut = &whole[..length];
            assert!(read_header(cut).is_err(), "{} {length}", sample.name);
            // The same where an end of image was put behind the cut.
            let mended = [cut, &[0xFF, 0xD9]].concat();
            let mended = code(&mended);
            // Only the end of image, or the second half of it, was cut: then it is whole again.
            let whole = length + 2 >= whole.len();
            assert_eq!(mended.is_none(), whole, "{} {length}", sample.name);
            let mut out = vec![0; WIDTH * HEIGHT * sample.components * 2];
            out.truncate(out.len() / if sample.bits > 8 { 1 } else { 2 });
            let fault = decode(cut, &mut out).unwrap_err();
            assert_ne!(fault.code, "JPEG_LS_SIZE", "{} {length}", sample.name);
        }
    }
}

#[test]
fn damage_neither_panics_nor_hangs() {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    let (mut refused, mut taken) = (0, 0);
    for round in 0..6000 {
        let mut stream = bytes(STREAMS[round % STREAMS.len()].hex);
        for _ in 0..=random(3) {
            let place = random(stream.len());
            match random(4) {
                0 => stream[place] ^= 1 << random(8),
                1 => stream[place] = random(256) as u8,
                2 => stream[place] = 0xFF,
                _ => {
                    stream.remove(place);
                }
            }
        }
        match decoded(&stream) {
            Ok(_) => taken += 1,
            Err(_) => refused += 1,
        }
    }
    // A change of pixels cannot always be told, one of structure can.
    assert!(refused > 3000 && taken > 100, "{refused} {taken}");
}

/// A grey stream of 8 bits whose byte at an offset is another.
fn changed(offset: usize, value: u8) -> Option<&'static str> {
    let mut stream = stream("grey of 8 bits");
    stream[offset] = value;
    code(&stream)
}

#[test]
fn what_is_not_supported_is_named() {
    // FFD8, FFF7 and length to offset 5, precision 6, lines 7, samples 9, count 11, name, sampling 13; the scan
    // header from offset 15: count 19, name, table 21, NEAR, interleave 23, point transform 24.
    assert_eq!(changed(6, 8), None);
    assert_eq!(changed(6, 1), Some(CORRUPT));
    assert_eq!(changed(6, 17), Some(CORRUPT));
    assert_eq!(changed(13, 0x21), Some(UNSUPPORTED));
    assert_eq!(changed(21, 1), Some(UNSUPPORTED));
    assert_eq!(changed(22, 128), Some(CORRUPT));
    assert_eq!(changed(23, 3), Some(CORRUPT));
    assert_eq!(changed(24, 1), Some(UNSUPPORTED));
    assert_eq!(changed(3, 0xC3), Some(UNSUPPORTED));
    assert_eq!(changed(3, 0xF9), Some(UNSUPPORTED));
    assert_eq!(changed(10, 0), Some(CORRUPT));
    assert_eq!(changed(20, 9), Some(CORRUPT));
}

#[test]
fn a_false_size_takes_no_memory() {
    // Four thousand million columns: refused by the size of `out`, before a line of them is held.
    let mut stream = bytes("FFD8FFF8000C040400000001FFFFFFFF");
    stream.extend(bytes(
        "FFF7000B080000000001011100FFDA00080101000000001234FFD9",
    ));
    assert_eq!(read_header(&stream).unwrap().columns, u32::MAX);
    let fault = decode(&stream, &mut [0; 100]).unwrap_err();
    assert_eq!(fault.code, "JPEG_LS_SIZE");
}

#[test]
fn data_left_over_is_noticed() {
    let mut stream = stream("grey of 8 bits");
    let end = stream.len() - 2;
    stream.splice(end..end, [0; 3]);
    assert_eq!(code(&stream), Some(CORRUPT));
}
